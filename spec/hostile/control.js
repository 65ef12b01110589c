// How a spec tells a hostile server what to do: each line on standard input names a fault, which applies from then on and
// is confirmed on standard output. The server ends when its input does.
'use strict'

exports.listen = (set) => {
  let typed = ''
  process.stdin.on('data', (bytes) => {
    typed += bytes
    const lines = typed.split('\n')
    typed = lines.pop()
    for (const line of lines) {
      set(line)
      process.stdout.write(`fault ${line}\n`)
    }
  })
  process.stdin.on('end', () => process.exit(0))
}
