export { encryptionFieldsOf, encryptionOf } from './encryption.ts'
export { isAws, openAnonymously, openS3, type S3, type S3Settings } from './open-s3.ts'
export { ATTEMPTS, LONG_REQUEST_TIMEOUT_MS, REQUEST_TIMEOUT_MS, within } from './time-limits.ts'
export { s3SettingsOf, s3Variables } from './variables.ts'
