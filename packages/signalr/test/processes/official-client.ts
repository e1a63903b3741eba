import { HttpTransportType, HubConnectionBuilder, LogLevel } from '@microsoft/signalr'

/** The official client as a process: connects to the hub whose URL it is given, and says when it has. */
const [url = ''] = process.argv.slice(2)
const client = new HubConnectionBuilder()
  .withUrl(url, { transport: HttpTransportType.WebSockets })
  .configureLogging(LogLevel.None)
  .build()
await client.start()
process.stdout.write('connected\n')
