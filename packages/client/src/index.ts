export { HttpTransportType } from '@microsoft/signalr'
export { connectHub, type Hub } from './hub.ts'
export { openRest, type Rest } from './rest.ts'
export { RefusedError } from './refused-error.ts'
