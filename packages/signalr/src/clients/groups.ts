const NOBODY: ReadonlySet<never> = new Set()

/** Who belongs together, by name. A group is there while somebody is in it. */
export class Groups<Member> {
  readonly #membersOf = new Map<string, Set<Member>>()
  readonly #namesOf = new Map<Member, Set<string>>()

  /** In the order in which they came. */
  of(name: string): ReadonlySet<Member> {
    return this.#membersOf.get(name) ?? NOBODY
  }

  join(name: string, member: Member): void {
    add(this.#membersOf, name, member)
    add(this.#namesOf, member, name)
  }

  leave(name: string, member: Member): void {
    remove(this.#membersOf, name, member)
    remove(this.#namesOf, member, name)
  }

  leaveAll(member: Member): void {
    for (const name of this.#namesOf.get(member) ?? []) remove(this.#membersOf, name, member)
    this.#namesOf.delete(member)
  }

  /** How many groups there are, and how many members of any. */
  get size(): { groups: number; members: number } {
    return { groups: this.#membersOf.size, members: this.#namesOf.size }
  }
}

function add<Key, Value>(sets: Map<Key, Set<Value>>, key: Key, value: Value): void {
  const set = sets.get(key)
  if (set === undefined) sets.set(key, new Set([value]))
  else set.add(value)
}

function remove<Key, Value>(sets: Map<Key, Set<Value>>, key: Key, value: Value): void {
  const set = sets.get(key)
  if (set?.delete(value) === true && set.size === 0) sets.delete(key)
}
