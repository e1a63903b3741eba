export { natsConfiguration } from './configuration.ts'
export { permissions, services, type Permissions, type ServiceName } from './permissions.ts'
