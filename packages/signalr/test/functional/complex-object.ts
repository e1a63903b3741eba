/** MessagePack has bytes of its own; JSON gets them as .NET writes them. */
class Bytes extends Uint8Array {
  toJSON(): string {
    return Buffer.from(this).toString('base64')
  }
}

/** The same for times. */
class Time extends Date {
  override toJSON(): string {
    return this.toISOString().replace('.000', '')
  }
}

/** A value of each kind that a protocol may write in its own way. */
export const complexObject = {
  ByteArray: new Bytes([1, 2, 3]),
  DateTime: new Time('2000-01-01T00:00:00Z'),
  Guid: '00010203-0405-0607-0706-050403020100',
  IntArray: [1, 2, 3],
  String: 'hello world',
}
