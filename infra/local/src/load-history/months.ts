import pg from 'pg'

/** Makes the months of all tables of messaging that have months, where they are missing. */
export async function makeMonths(client: pg.Client, from: Date, to: Date): Promise<void> {
  const { rows: parents } = await client.query<{ name: string }>(`
    select c.relname as name from pg_partitioned_table p join pg_class c on c.oid = p.partrelid
    where c.relnamespace = current_schema()::regnamespace`)
  for (const month of monthsBetween(from, to)) {
    const name = month.toISOString().slice(0, 7).replace('-', '_')
    const bounds = [month, monthAfter(month)].map((moment) => `'${lowestIdAt(moment)}'`)
    for (const parent of parents) {
      await client.query(`
        create table if not exists ${pg.escapeIdentifier(`${parent.name}_${name}`)}
        partition of ${pg.escapeIdentifier(parent.name)} for values from (${bounds[0]}) to (${bounds[1]})`)
    }
  }
}

function monthsBetween(from: Date, to: Date): Date[] {
  const months = []
  for (let month = startOf(from); month <= to; month = monthAfter(month)) months.push(month)
  return months
}

const startOf = (moment: Date): Date => new Date(Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth()))
const monthAfter = (month: Date): Date => new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1))

/** As messaging divides its tables: a UUIDv7 has its time in its first 48 bits. */
function lowestIdAt(moment: Date): string {
  const time = moment.getTime().toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`
}
