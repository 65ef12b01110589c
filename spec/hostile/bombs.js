// A server of responses that are made to be expensive, chosen by the path. It prints its port, and ends when its input
// does.
//   node bombs.js
'use strict'
const net = require('net')
const zlib = require('zlib')

const MIB = 1048576
const json = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
const whole = (body, head = '') => [`${json}${head}Content-Length: ${body.length}\r\n\r\n`, body]
const packed = (body) => whole(zlib.gzipSync(body, { level: 9 }), 'Content-Encoding: gzip\r\n')
const filled = (begin, piece, end, size = 31 * MIB) =>
  Buffer.concat([Buffer.from(begin), Buffer.alloc(size - size % piece.length, piece), Buffer.from(end)])

// Responses that are sent at once, and endless ones: [before, piece], the piece again and again.
const bombs = {
  lists: () => whole(filled('[', '[],', '[]]')),
  objects: () => whole(filled('[', '{},', '{}]')),
  numbers: () => whole(filled('[', '1,', '1]')),
  strings: () => whole(filled('[', '"",', '""]')),
  names: () => whole(filled('{"a":1', ',"a":1', '}')),
  text: () => whole(filled('"', 'x', '"')),
  escapes: () => whole(filled('"', '\\u0041', '"')),
  depth: () => whole(filled('', '[', '')),
  detail: () => [`HTTP/1.1 500 x\r\nContent-Type: application/json\r\nContent-Length: ${31 * MIB + 13}\r\n\r\n`,
    filled('{"detail":"', 'a', '"}', 31 * MIB)],
  packed_lists: () => packed(filled('[', '[],', '[]]')),
  packed_without_end: () => packed(filled('"', 'x', '"', 300 * MIB)),
  packed_twice: () => whole(zlib.gzipSync(zlib.gzipSync(filled('"', 'x', '"', 300 * MIB))),
    'Content-Encoding: gzip, gzip\r\n')
}
const endless = {
  body: [`${json}Transfer-Encoding: chunked\r\n\r\n`, `10000\r\n${' '.repeat(65536)}\r\n`],
  body_without_length: [`${json}\r\n`, ' '.repeat(65536)],
  header: ['HTTP/1.1 200 OK\r\nX: ', 'a'.repeat(65536)],
  headers: ['HTTP/1.1 200 OK\r\n', 'X: y\r\n'.repeat(10000)],
  provisional: ['', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(2000)],
  trailers: [`${json}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n`, 'X: y\r\n'.repeat(10000)],
  extension: [`${json}Transfer-Encoding: chunked\r\n\r\n5;`, 'a'.repeat(65536)],
  extensions: [`${json}Transfer-Encoding: chunked\r\n\r\n`, `1;${'a'.repeat(8000)}\r\n \r\n`.repeat(8)],
  empty_blocks: [Buffer.concat([Buffer.from(`${json}Content-Encoding: gzip\r\n\r\n`), Buffer.from('1f8b0800000000000003', 'hex')]),
    Buffer.alloc(65535, Buffer.from('000000ffff', 'hex'))]
}

const server = net.createServer((socket) => {
  let heard = ''
  socket.on('error', () => {})
  const pour = (piece) => {
    const more = (problem) => { if (!problem && !socket.destroyed) socket.write(piece, more) }
    more()
  }
  socket.on('data', (bytes) => {
    heard += bytes
    for (let end; (end = heard.indexOf('\r\n\r\n')) >= 0; heard = heard.slice(end + 4)) {
      const name = heard.split(' ')[1].replace(/^\//, '').replace(/\?.*/, '')
      if (endless[name]) {
        socket.write(endless[name][0])
        pour(endless[name][1])
      } else {
        for (const piece of bombs[name]()) socket.write(piece)
      }
    }
  })
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
process.stdin.on('data', (bytes) => process.stdout.write(`fault ${bytes}`))
process.stdin.on('end', () => process.exit(0))
