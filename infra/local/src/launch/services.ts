import { join } from 'node:path'
import { serviceEnvironment, type ServiceEnvironment } from './service-environment.ts'

/** A service to be run as a process. */
export interface Service {
  readonly name: string
  /** Its variables have this as their prefix, and its schema this name; several processes may be of one kind. */
  readonly kind: string
  readonly main: string
  /** The program that brings the schema up to date: of one process of a kind. Kinds without one keep nothing in Postgres. */
  readonly migrate?: string
  /** A free one unless it is fixed. */
  readonly port?: number
  readonly environment: ServiceEnvironment
}

/** Those of a stage start together, when the stage before is ready; they stop together, before the stage before. */
export type Stages = readonly (readonly Service[])[]

const STORES = ['auth', 'messaging', 'presence', 'media', 'retention'] as const

/** All of Parley, with a gateway on each of these ports: the doors open last and close first. */
export function parleyServices(clone: string, gatewayPorts: readonly number[]): Stages {
  const source = (kind: string, file: string) => join(clone, 'services', kind, 'src', file)
  const stores = STORES.map((kind) => ({
    name: kind,
    kind,
    main: source(kind, 'main.ts'),
    migrate: source(kind, 'migrate.ts'),
    environment: serviceEnvironment[kind],
  }))
  const gateways = gatewayPorts.map((port, index) => ({
    name: `gateway-${index + 1}`,
    kind: 'gateway',
    main: source('gateway', 'main.ts'),
    port,
    environment: serviceEnvironment.gateway,
  }))
  return [stores, gateways]
}
