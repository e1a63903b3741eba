import { STATUS_CODES } from 'node:http'
import type { Request } from 'express'

/** Whether somebody sees the answer: a browser that was sent to a page of `auth`. */
export const isForPage = (request: Request): boolean =>
  request.path.startsWith('/oauth/') && request.accepts(['json', 'html']) === 'html'

/** What stands in the place of a page that cannot be shown. */
export function problemPage(status: number, retryAfterSeconds: number | undefined): string {
  const title = STATUS_CODES[status] ?? ''
  const what = retryAfterSeconds === undefined ? 'This did not work.' : `Try again in ${retryAfterSeconds} s.`
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${title} · Parley</title>
    <style>
      :root { color-scheme: light dark; }
      main { margin: 20vh auto 0; max-width: 26rem; padding: 0 1rem; font: 1.125rem/1.5 system-ui, sans-serif; }
    </style>
  </head>
  <body>
    <main>
      <h1>${title}</h1>
      <p>${what}</p>
    </main>
  </body>
</html>
`
}
