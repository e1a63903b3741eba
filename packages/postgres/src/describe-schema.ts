import { sql, type Kysely } from 'kysely'

/**
 * A schema as text, from the catalog: tables with columns, constraints and indexes, then functions. Each service keeps it as
 * `schema.sql` and compares it in a test: the database on one page, and a migration's effect as a diff. Partitions of a
 * table, which come and go with time, are left out.
 */
export async function describeSchema(db: Kysely<unknown>, schema: string): Promise<string> {
  const { rows: tables } = await sql<{ name: string; partitionedBy: string | null }>`
    select c.relname as name, pg_get_partkeydef(c.oid) as partitioned_by
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relkind in ('r', 'p') and not c.relispartition and c.relname not like 'kysely_%'
    order by c.relname`.execute(db)
  const described = await Promise.all(tables.map((table) => describeTable(db, schema, table)))
  const { rows: functions } = await sql<{ definition: string }>`
    select pg_get_functiondef(p.oid) as definition
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = ${schema} and p.prokind in ('f', 'p') order by p.proname`.execute(db)
  return [...described, ...functions.map(({ definition }) => `${definition.trim()};`)].join('\n\n') + '\n'
}

async function describeTable(
  db: Kysely<unknown>,
  schema: string,
  table: { name: string; partitionedBy: string | null },
): Promise<string> {
  const regclass = sql`${`${schema}.${table.name}`}::regclass`
  const { rows: columns } = await sql<{ line: string }>`
    select a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
      || case when a.attidentity <> '' then ' generated always as identity' else '' end
      || case when a.attnotnull then ' not null' else '' end
      || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') as line
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = ${regclass} and a.attnum > 0 and not a.attisdropped order by a.attnum`.execute(db)
  const { rows: constraints } = await sql<{ line: string }>`
    select 'constraint ' || conname || ' ' || pg_get_constraintdef(oid) as line
    from pg_constraint where conrelid = ${regclass} and contype <> 'n' order by contype desc, conname`.execute(db)
  const { rows: indexes } = await sql<{ line: string }>`
    select pg_get_indexdef(i.indexrelid) || ';' as line
    from pg_index i left join pg_constraint c on c.conindid = i.indexrelid and c.conrelid = i.indrelid
    where i.indrelid = ${regclass} and c.oid is null order by 1`.execute(db)
  const body = [...columns, ...constraints].map(({ line }) => `  ${line}`).join(',\n')
  const partitioning = table.partitionedBy === null ? '' : ` partition by ${table.partitionedBy}`
  return [
    `create table ${schema}.${table.name} (\n${body}\n)${partitioning};`,
    ...indexes.map(({ line }) => line),
  ].join('\n')
}
