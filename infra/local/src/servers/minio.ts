import { join } from 'node:path'
import { findBinary } from '../processes/find-binary.ts'
import { startProcess, type LocalProcess } from '../processes/local-process.ts'
import { images, startContainer } from './docker.ts'
import type { S3Credentials } from './s3-server.ts'

export const minioIsInstalled = (): boolean => findBinary('minio') !== null

/** A MinIO with its data below `directory`: the program of this machine if there is one, else a container. */
export function startMinio(options: {
  directory: string
  port: number
  credentials: S3Credentials
}): Promise<LocalProcess> {
  const { directory, port, credentials } = options
  const environment = {
    MINIO_ROOT_USER: credentials.accessKeyId,
    MINIO_ROOT_PASSWORD: credentials.secretAccessKey,
    MINIO_BROWSER: 'off',
    MINIO_UPDATE: 'off',
  }
  const binary = findBinary('minio')
  if (binary === null) {
    return startContainer({
      name: 's3',
      image: images.s3,
      directory,
      mountAt: '/parley',
      ports: { [port]: 9000 },
      environment,
      arguments: ['server', '/parley/data'],
    })
  }
  return startProcess({
    name: 's3',
    command: binary,
    arguments: ['server', join(directory, 'data'), '--address', `127.0.0.1:${port}`, '--quiet'],
    environment,
    directory,
    logFile: join(directory, 's3.log'),
    recordDirectory: directory,
  })
}
