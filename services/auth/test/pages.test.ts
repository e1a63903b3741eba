import { describe, expect, test } from 'vitest'
import { consentPage } from '../src/pages/consent-page.ts'
import { errorPage, expiredSignInPage } from '../src/pages/error-page.ts'
import { signedOutPage, signOutPage } from '../src/pages/sign-out-pages.ts'
import { signInPage } from '../src/pages/sign-in-page.ts'
import { STYLE } from '../src/pages/style.ts'

const hostile = `"'><script>alert(1)</script>`

const pages = {
  'sign in': signInPage({
    clientName: hostile,
    upstreams: [{ name: hostile, href: '/oauth/sign-in/x/with/y' }],
    development: {
      action: '/oauth/sign-in/x',
      redirectUri: 'https://app.example/',
      name: hostile,
      wrong: 'must not be empty',
    },
  }),
  consent: consentPage({
    action: '/oauth/consent/x',
    clientName: hostile,
    redirectUri: 'https://app.example/callback?x=1',
    userName: hostile,
    scopes: ['openid', 'profile', 'offline_access'],
  }),
  'sign out': signOutPage({
    form: '<form id="op.logoutForm" method="post" action="/oauth/end-session/confirm"></form>',
    clientName: hostile,
    target: 'https://app.example/',
  }),
  'signed out': signedOutPage(),
  error: errorPage({ code: 'invalid_request', sentence: hostile }),
  'error without a sentence': errorPage({ code: 'internal' }),
  expired: expiredSignInPage(),
}

describe.each(Object.entries(pages))('the page: %s', (_, { html }) => {
  test('says its language, its title, and that it fits any width and both colour schemes', () => {
    expect(html).toMatch(/^<!doctype html>\s*<html lang="en">/)
    expect(html).toMatch(/<title>[^<]+ · Parley<\/title>/)
    expect(html).toContain('name="viewport" content="width=device-width, initial-scale=1"')
    expect(html).not.toContain('user-scalable')
    expect(html).toContain('name="color-scheme" content="light dark"')
  })

  test('has one main part with one heading, and a name for each picture', () => {
    expect(html.match(/<main>/g)).toHaveLength(1)
    expect(html.match(/<h1>/g)).toHaveLength(1)
    expect(html.match(/<svg\b[^>]*>/g)?.every((svg) => /role="img" aria-label="\w+"/.test(svg))).toBe(true)
  })

  test('labels every field, and every button says what it does', () => {
    const fields = [...html.matchAll(/<input(?![^>]*type="hidden")[^>]*\bid="([^"]+)"/g)]
    for (const [, id] of fields) expect(html).toContain(`<label for="${id}">`)
    for (const [, text] of html.matchAll(/<button[^>]*>([^<]*)<\/button>/g)) expect(text?.trim()).not.toBe('')
    for (const [, id] of html.matchAll(/aria-describedby="([^"]+)"/g)) expect(html).toContain(`id="${id}"`)
  })

  test('runs nothing, loads nothing and escapes what comes from outside', () => {
    expect(html).not.toMatch(/<script|<img|<link|<iframe|url\(|@import|\bsrc=|\son\w+=|javascript:/i)
    expect(html).not.toContain(hostile)
    for (const [, target] of html.matchAll(/\b(?:href|action)="([^"]*)"/g)) expect(target).toMatch(/^\/oauth\//)
  })
})

test('an app that waits on the own device is told by its scheme', () => {
  const { html } = consentPage({
    action: '/x',
    clientName: 'Calendar',
    redirectUri: 'com.example.calendar:/callback',
    userName: 'ann',
    scopes: ['openid'],
  })
  expect(html).toContain('com.example.calendar: on this device')
})

describe('the style', () => {
  const [light, dark] = [...STYLE.matchAll(/:root \{([^}]*)\}/g)].map(
    ([, body = '']) =>
      new Map([...body.matchAll(/--(\w+): (#\w+)/g)].map(([, name = '', color = '']) => [name, color])),
  )

  // WCAG 2.2, 1.4.3 for text and 1.4.11 for what shows that something can be used.
  test.each([
    ['text', 'card', 4.5],
    ['quiet', 'card', 4.5],
    ['wrong', 'card', 4.5],
    ['accent', 'card', 4.5],
    ['card', 'accent', 4.5],
    ['edge', 'card', 3],
  ])('shows %s on %s well enough, also in the dark', (front, back, ratio) => {
    for (const scheme of [light, dark]) {
      expect(contrast(scheme?.get(front) ?? '', scheme?.get(back) ?? '')).toBeGreaterThanOrEqual(ratio)
    }
  })

  test('shows where the focus is, and makes everything large enough for a finger', () => {
    expect(STYLE).toMatch(/input:focus-visible, button:focus-visible, \.button:focus-visible \{ outline: 2px solid/)
    expect(STYLE).toMatch(/^input \{[^}]*min-height: 2\.75rem/m)
    expect(STYLE).toMatch(/^button, \.button \{[^}]*min-height: 2\.75rem/m)
  })
})

function contrast(one: string, other: string): number {
  const [lighter = 0, darker = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a)
  return (lighter + 0.05) / (darker + 0.05)
}

function luminance(color: string): number {
  const digits = color.length === 4 ? color.slice(1).replaceAll(/./g, '$&$&') : color.slice(1)
  const [red = 0, green = 0, blue = 0] = (digits.match(/../g) ?? [])
    .map((hex) => Number.parseInt(hex, 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
