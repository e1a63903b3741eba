import { ISSUER, type Send } from './auth-system.ts'

export interface Visit {
  readonly url: URL
  /** Null when the way led out to a client, whose server is not there. */
  readonly response: Response | null
  readonly html: string
}

export interface Browser {
  readonly cookies: readonly Cookie[]
  /** Opens an address and follows redirects to their end. */
  open(url: string | URL): Promise<Visit>
  /** Sends the only form of a page, filled in. */
  submit(page: Visit, fields: Record<string, string>): Promise<Visit>
}

interface Cookie {
  readonly name: string
  readonly value: string
  readonly path: string
  readonly attributes: string
}

const MAX_REDIRECTS = 10

/** What a browser does with redirects, forms and cookies. */
export function createBrowser(send: Send): Browser {
  let cookies: Cookie[] = []

  async function visit(start: URL, init: RequestInit): Promise<Visit> {
    let url = start
    let request = init
    for (let redirects = 0; redirects < MAX_REDIRECTS; redirects += 1) {
      if (url.origin !== ISSUER) return { url, response: null, html: '' }
      const sent = cookies.filter(({ path }) => covers(path, url.pathname)).map(({ name, value }) => `${name}=${value}`)
      const response = await send(url, {
        ...request,
        headers: { accept: 'text/html', cookie: sent.join('; ') },
      })
      for (const header of response.headers.getSetCookie()) keep(header, url)
      const location = response.headers.get('location')
      if (location === null) return { url, response, html: await response.text() }
      url = new URL(location, url)
      request = {}
    }
    throw new Error('too many redirects')
  }

  function keep(header: string, url: URL): void {
    const [pair = '', ...attributes] = header.split('; ')
    const [name = '', value = ''] = pair.split('=')
    const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice('path='.length) ?? url.pathname
    cookies = cookies.filter((cookie) => cookie.name !== name || cookie.path !== path)
    if (value !== '') cookies.push({ name, value, path, attributes: attributes.join('; ') })
  }

  return {
    get cookies() {
      return cookies
    },
    open: (url) => visit(new URL(url, ISSUER), {}),
    submit(page, fields) {
      const action = /<form[^>]* action="([^"]*)"/.exec(page.html)?.[1]
      if (action === undefined) throw new Error('there is no form on this page')
      const hidden = [...page.html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)]
      const body = new URLSearchParams({
        ...Object.fromEntries(hidden.map(([, name, value]) => [name, value])),
        ...fields,
      })
      return visit(new URL(action, page.url), { method: 'POST', body })
    },
  }
}

const covers = (cookiePath: string, pathname: string): boolean =>
  pathname === cookiePath || pathname.startsWith(cookiePath.replace(/\/?$/, '/'))
