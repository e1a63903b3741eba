/** Where the server says what happens; a pino logger fits. Tokens and message bodies are never among the fields. */
export interface HubLog {
  debug(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const silentLog: HubLog = { debug() {}, warn() {}, error() {} }
