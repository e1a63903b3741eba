import { interactionPolicy, type Configuration, type KoaContextWithOIDC } from 'oidc-provider'
import { CONSENT_PATH, SIGN_IN_PATH } from './routes.ts'

/** When a person is asked for something on the way to a client, and where. */
export function interactions(isFirstParty: (clientId: string) => boolean): NonNullable<Configuration['interactions']> {
  const { Check, base } = interactionPolicy
  const ifSo = (so: boolean) => (so ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT)

  const policy = base()
  policy
    .get('login')
    ?.checks.add(
      new Check('no_account', 'the user of this session does not exist', 'login_required', ({ oidc }) =>
        ifSo(oidc.session?.accountId !== undefined && oidc.account === undefined),
      ),
    )
  const consent = policy.get('consent')
  consent?.checks.clear()
  consent?.checks.add(
    new Check('not_allowed_yet', 'the user has to allow it first', 'consent_required', (ctx) => {
      const { client } = ctx.oidc
      return ifSo(client !== undefined && !isFirstParty(client.clientId) && needsConsent(ctx))
    }),
  )
  return {
    policy,
    url: (_ctx, { uid, prompt }) => `${prompt.name === 'consent' ? CONSENT_PATH : SIGN_IN_PATH}/${uid}`,
  }
}

/** Signing in to Parley's own clients is consenting: one that asks for a consent prompt just gets none. Others ask what is new. */
function needsConsent({ oidc }: KoaContextWithOIDC): boolean {
  if (oidc.prompts.has('consent') && oidc.promptPending('consent')) return true
  const allowed = new Set(oidc.grant?.getOIDCScope().split(' '))
  return !oidc.requestParamOIDCScopes.isSubsetOf(allowed)
}
