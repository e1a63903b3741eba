export type { Audience, Clients } from './clients/audience.ts'
export { ClientError } from './hub/client-error.ts'
export type { ConnectionTokens, TokenReading } from './http/connection-tokens.ts'
export { ConnectionEndedError } from './hub/connection-ended-error.ts'
export type { Delivery } from './connection/outbox.ts'
export type { Elsewhere, Forwarding } from './http/forwarding.ts'
export type { HubFigures } from './figures.ts'
export { encodeInvocation, rawInvocation, type Frame } from './frame.ts'
export { HubError } from './hub/hub-error.ts'
export { createHubServer, type HubServer, type HubServerOptions } from './hub-server.ts'
export type {
  DeclaredMethod,
  DisconnectReason,
  Hub,
  HubConnection,
  HubMethod,
  InvokeOptions,
  MethodCall,
} from './hub/hub.ts'
export { answerRefusal, comeBackLater, HubRefusal, refuseUpgrade, unknownConnection } from './http/hub-refusal.ts'
export { defaultLimits, type Limits } from './limits.ts'
export type { HubLog } from './log.ts'
export type { TransportName } from './transport/transport-name.ts'
export { UploadError } from './hub/upload-error.ts'
