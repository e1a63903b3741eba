export { createOutboxTable as up } from '@parley/postgres'
