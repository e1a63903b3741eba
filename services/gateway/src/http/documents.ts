import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import express, { Router } from 'express'
import { openApiDocument } from './openapi.ts'

const swaggerUi = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Parley</title>
    <link rel="stylesheet" href="/docs/assets/swagger-ui.css" />
  </head>
  <body>
    <div id="operations"></div>
    <script src="/docs/assets/swagger-ui-bundle.js"></script>
    <script src="/docs/show.js"></script>
  </body>
</html>
`

const script = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#operations', deepLinking: true, validatorUrl: null })\n`

/** `/openapi.json`, and `/docs`, a page that shows it and tries it out. */
export function documentRoutes(options: { publicUrl: string }): Router {
  const routes = Router()
  const document = JSON.stringify(openApiDocument(options))
  routes.get('/openapi.json', (_request, response) => {
    response.type('application/json').send(document)
  })
  routes.get('/docs', (_request, response) => {
    // Swagger UI sets style attributes; everything else comes from here.
    response.setHeader(
      'Content-Security-Policy',
      "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
    )
    response.type('html').send(page)
  })
  routes.get('/docs/show.js', (_request, response) => {
    response.type('text/javascript').send(script)
  })
  routes.use('/docs/assets', express.static(swaggerUi, { index: false, immutable: true, maxAge: '1d' }))
  return routes
}
