import type { Response } from 'express'
import { contentSecurityPolicy, type Page } from '../pages/page.ts'

export function sendPage(response: Response, status: number, page: Page): void {
  response
    .status(status)
    .set('Content-Security-Policy', contentSecurityPolicy(page))
    .set('Cache-Control', 'no-store')
    .type('html')
    .send(page.html)
}
