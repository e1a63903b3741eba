import { auth, gateway, media, messaging, presence, retention, type Contract } from '@parley/contracts'

/** What a NATS user may do. Whatever is in neither list is refused. */
export interface Permissions {
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
}

const contracts = { auth, gateway, media, messaging, presence, retention } as const satisfies Record<string, Contract>
export type ServiceName = keyof typeof contracts
export const services = Object.keys(contracts) as ServiceName[]

interface Dealings {
  /** The calls that it makes. Only the gateway makes those that carry an actor: it alone has verified one. */
  readonly calls?: readonly { readonly subject: string }[]
  /** The notices that it says, and those that it hears. */
  readonly says?: readonly { readonly subject: string }[]
  readonly hears?: readonly { readonly subject: string }[]
  /** The events of others that it consumes. */
  readonly consumes?: readonly { readonly owner: Contract; readonly event: { readonly subject: string } }[]
}

const {
  createMonths,
  dropMonths,
  setRetentionRules,
  setConversationRetention,
  previewRetention,
  applyHolds,
  expireMessages,
  oldestMessage,
  seesMessage,
  listAttachments,
  listAvatars,
  ...restOfMessaging
} = messaging.calls
const { attachUploads, releaseUploads, useAvatar, ...restOfMedia } = media.calls
const { getUsers, ...restOfAuth } = auth.calls

/** What owners of data about users answer to retention alone. */
const partsOf = ({ eraseUser, exportUser, findRemains }: PartCalls) => [eraseUser, exportUser, findRemains]
type PartCalls = Readonly<Record<'eraseUser' | 'exportUser' | 'findRemains', { readonly subject: string }>>
const withoutParts = <Calls extends PartCalls>({
  eraseUser: _erased,
  exportUser: _exported,
  findRemains: _found,
  ...others
}: Calls) => Object.values(others as Readonly<Record<string, { readonly subject: string }>>)

/** Who deals with whom: all of it. A dealing that is not here is refused by NATS, in `npm start` and in the tests as well. */
const dealings: Readonly<Record<ServiceName, Dealings>> = {
  gateway: {
    calls: [
      ...[restOfAuth, restOfMessaging, presence.calls, restOfMedia].flatMap(withoutParts<PartCalls>),
      ...Object.values(retention.calls),
    ],
    says: [gateway.notices.announced, gateway.notices.typing, gateway.notices.closeConnections],
    hears: [
      ...Object.values(gateway.notices),
      presence.notices.changed,
      messaging.notices.relationsChanged,
      auth.notices.revoked,
      media.notices.settled,
    ],
  },
  auth: {
    calls: [useAvatar],
    says: [auth.notices.revoked],
    consumes: [
      { owner: messaging, event: messaging.events.memberChanged },
      { owner: retention, event: retention.events.decided },
    ],
  },
  messaging: {
    calls: [getUsers, attachUploads, releaseUploads, useAvatar],
    says: [gateway.notices.deliver, messaging.notices.relationsChanged],
    hears: [gateway.notices.announced],
  },
  presence: {
    says: [presence.notices.changed],
    hears: [gateway.notices.announced],
  },
  media: {
    calls: [getUsers, messaging.calls.isMember, seesMessage, listAttachments, listAvatars],
    says: [media.notices.settled],
    consumes: [{ owner: messaging, event: messaging.events.attachmentsRemoved }],
  },
  retention: {
    calls: [
      createMonths,
      dropMonths,
      setRetentionRules,
      setConversationRetention,
      previewRetention,
      applyHolds,
      expireMessages,
      oldestMessage,
      getUsers,
      ...[auth.calls, messaging.calls, presence.calls, media.calls].flatMap(partsOf),
    ],
  },
}

/**
 * By user. Each service has an inbox prefix of its own, since who may read another's inbox reads all its replies; who answers
 * a service may write into its inbox, and nobody may choose where an answer goes.
 */
export function permissions(): Readonly<Record<ServiceName | 'observer' | 'operator', Permissions>> {
  const ofServices = Object.fromEntries(services.map((service) => [service, permissionsOf(service)])) as Record<
    ServiceName,
    Permissions
  >
  return { ...ofServices, observer: observer(), operator: { publish: ['>'], subscribe: ['>'] } }
}

function permissionsOf(service: ServiceName): Permissions {
  const { calls = [], says = [], hears = [], consumes = [] } = dealings[service]
  const callers = services.filter((other) => dealings[other].calls?.some(({ subject }) => isOf(service, subject)))
  return {
    publish: [
      ...calls.map(wild),
      ...says.map(wild),
      ...callers.map((caller) => `${inboxOf(caller)}.>`),
      ...streamOf(service),
      ...consumes.flatMap(({ owner, event }) => consumerOf(service, owner, event)),
    ],
    subscribe: [`${service}.call.>`, ...hears.map(wild), `${inboxOf(service)}.>`],
  }
}

/** An event's owner makes its stream, writes into it, and erases from it what it is asked to forget. */
function streamOf(service: ServiceName): string[] {
  const contract: Contract = contracts[service]
  if (Object.keys(contract.events).length === 0) return []
  const stream = service.toUpperCase()
  const api = ['CREATE', 'UPDATE', 'INFO', 'PURGE', 'MSG.GET', 'MSG.DELETE'].map(
    (verb) => `$JS.API.STREAM.${verb}.${stream}`,
  )
  return [`${service}.event.>`, '$JS.API.INFO', ...api]
}

/** As `consume` of packages/bus names it: one durable consumer, and nothing else of the stream. */
function consumerOf(service: ServiceName, owner: Contract, { subject }: { subject: string }): string[] {
  const of = `${owner.service.toUpperCase()}.${service}-${subject.split('.')[2]}`
  return [
    `$JS.API.CONSUMER.CREATE.${of}.>`,
    `$JS.API.CONSUMER.DURABLE.CREATE.${of}`,
    `$JS.API.CONSUMER.INFO.${of}`,
    `$JS.API.CONSUMER.MSG.NEXT.${of}`,
    `$JS.ACK.${of}.>`,
  ]
}

/**
 * For services that are not Parley's: they hear events, live, and by durable consumers that an operator has made for them.
 * Who could make consumers could have events sent to any subject, calls among them.
 */
function observer(): Permissions {
  const owners = services.filter((service) => Object.keys((contracts[service] as Contract).events).length > 0)
  return {
    publish: owners.flatMap((owner) => {
      const stream = owner.toUpperCase()
      const observed = `${stream}.observer`
      return [
        `$JS.API.STREAM.INFO.${stream}`,
        `$JS.API.CONSUMER.INFO.${observed}`,
        `$JS.API.CONSUMER.MSG.NEXT.${observed}`,
        `$JS.ACK.${observed}.>`,
      ]
    }),
    subscribe: [...owners.map((owner) => `${owner}.event.>`), `${inboxOf('observer')}.>`],
  }
}

/** As `connectBus` of packages/bus has it. */
const inboxOf = (name: string): string => `_INBOX_${name}`

const isOf = (service: string, subject: string): boolean => subject.startsWith(`${service}.call.`)

const wild = ({ subject }: { readonly subject: string }): string => subject.replaceAll(/\{\w+\}/g, '*')
