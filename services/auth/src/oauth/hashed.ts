import { hash } from 'node:crypto'

/** What stands in the database for a value that its bearer shows. */
export const hashed = (value: string): string => hash('sha256', value, 'base64url')
