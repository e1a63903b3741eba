export type { Announcement } from './announcement.ts'
export { openConnectionRegistry, type ConnectionRegistry, type RegistryFigures } from './connection-registry.ts'
export type { SettleTimes } from './due-users.ts'
export type {
  AddedConnection,
  ConnectionPlace,
  GatewayConnection,
  GraceMs,
  HowConnectionEnded,
} from './gateway-connections.ts'
export { openGatewayRouting, type GatewayFigures, type GatewayRouting } from './gateway-routing.ts'
export { openRedis, type RedisConnection } from './redis.ts'
export type { Seen } from './last-seen.ts'
export { openSenderRouting, type SenderRouting } from './sender-routing.ts'
export type { ReadStatuses, UserStatus } from './status-loading.ts'
export { isShown, type Transition } from './transition.ts'
export { DEFAULT_STATUS, type ChosenStatus } from './user-hash.ts'
export type { UserState } from './user-states.ts'
