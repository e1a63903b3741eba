export type AllowOrigin = (origin: string | undefined) => boolean

/**
 * Which pages may use the gateway: one list for CORS and for the hub, since CORS does not guard WebSockets. Programs that
 * are not browsers send no origin. In development the pages of this machine are allowed, on any port.
 */
export function allowOriginOf(options: { allowedOrigins: readonly string[]; development: boolean }): AllowOrigin {
  return (origin) => {
    if (origin === undefined || options.allowedOrigins.includes(origin)) return true
    return options.development && /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(origin)
  }
}
