/** What a cluster keeps over its starts. Being on disk, it says that the cluster was made to its end. */
export interface CephCluster {
  readonly id: string
  readonly monitorPort: number
}

/** The one key of the one cluster's only user, in the form that Ceph's programs read. */
export function cephKeyring(key: string): string {
  const all = ['mon', 'osd', 'mgr'].map((daemon) => `\tcaps ${daemon} = "allow *"\n`).join('')
  return ['mon.', 'client.admin', 'osd.0'].map((entity) => `[${entity}]\n\tkey = ${key}\n${all}`).join('')
}

/**
 * The smallest Ceph that serves S3: one monitor, one object store, one RADOS Gateway, no manager (which only gathers
 * statistics). Paths are relative to the cluster's own directory, where all of its programs run.
 */
export function cephConfig(options: CephCluster & { port: number; durable: boolean }): string {
  const settings = {
    fsid: options.id,
    keyring: 'keyring',
    admin_socket: '',
    mon_host: `v2:127.0.0.1:${options.monitorPort}`,
    public_addr: '127.0.0.1',
    cluster_addr: '127.0.0.1',
    ms_bind_msgr1: false,

    mon_data: 'mon',
    osd_data: 'osd',
    rgw_data: 'rgw',
    osd_objectstore: options.durable ? 'bluestore' : 'memstore',
    // A sparse file: it takes what is stored in it.
    bluestore_block_size: 20 * GIB,
    memstore_device_bytes: 4 * GIB,
    osd_memory_target: GIB,
    // Near a full disk a monitor would refuse to start, on a laptop as in a data centre.
    mon_data_avail_crit: 0,

    // One copy of everything, in one placement group a pool.
    osd_pool_default_size: 1,
    osd_pool_default_min_size: 1,
    osd_pool_default_pg_num: 1,
    osd_pool_default_pgp_num: 1,
    osd_pool_default_pg_autoscale_mode: 'off',
    osd_crush_chooseleaf_type: 0,
    osd_crush_update_on_start: false,
    mon_allow_pool_size_one: true,

    // Time-outs made for machines that are apart. Together they make a start last one second instead of fifteen.
    paxos_propose_interval: 0.05,
    paxos_min_wait: 0.01,
    objecter_tick_interval: 0.25,
    objecter_timeout: 0.5,
    bdev_aio_poll_ms: 10,
    osd_op_num_shards: 1,
    osd_pool_default_read_lease_ratio: 0.05,
    osd_fast_shutdown_notify_mon: true,
    osd_mon_shutdown_timeout: 1,
    osd_mclock_skip_benchmark: true,

    rgw_frontends: `beast endpoint=127.0.0.1:${options.port}`,
    rgw_thread_pool_size: 32,
    rgw_enable_ops_log: false,
    ...(options.durable ? {} : FOR_TESTS),

    log_to_file: false,
    log_to_stderr: true,
    mon_cluster_log_to_file: false,
    mon_cluster_log_to_stderr: false,
    ...Object.fromEntries(CHATTY.map((subsystem) => [`debug_${subsystem}`, '0/0'])),
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${String(value)}`)
  return `[global]\n${lines.join('\n')}\n`
}

const GIB = 1024 ** 3
const FOR_TESTS = {
  // Buckets have host names, as on AWS, besides paths.
  rgw_dns_name: 's3.test',
  // `aws:kms` with the key `test-key`, as it is where there is TLS and a key server.
  rgw_crypt_require_ssl: false,
  rgw_crypt_s3_kms_backend: 'testing',
  rgw_crypt_s3_kms_encryption_keys: `test-key=${Buffer.alloc(32, 'k').toString('base64')}`,
}
/** Parts that write thousands of lines at each start. */
const CHATTY = ['mon', 'paxos', 'auth', 'ms', 'osd', 'filestore', 'bdev', 'bluefs', 'bluestore', 'rocksdb', 'rgw']
