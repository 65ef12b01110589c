// Node's fetch. It has no HTTP/2: each call in flight has a connection of its own.
const [, , work, base, countText = "0", inFlightText = "1000"] = process.argv
const count = Number(countText), inFlight = Number(inFlightText)

if (work === "version") {
  console.log(`Node ${process.version}`)
  process.exit()
}

const conversations = work.startsWith("many") ? inFlight : 50
const idOf = (number) => "7f3b9a1c2d4e4f60a1b2" + (number % conversations).toString(16).padStart(12, "0")
const headers = { Authorization: "Bearer bench", Accept: "application/json" }
let options = { headers }

function request(id) {
  if (work === "v1") return [`/api/v1/app-conversations?ids=${id}`]
  if (work === "events") return [`/api/v1/conversation/${id}/events/search?limit=100`]
  if (work !== "start") return [`/api/conversations/${id}`]
  const content = [{ type: "text", text: "Fix the typo in README.md." }]
  return ["/api/v1/app-conversations", {
    conversation_id: id, selected_repository: "acme/widgets", initial_message: { role: "user", content },
  }]
}

function check(answer, id) {
  const good = work === "events" ? answer.items.length === 100
    : work === "start" ? answer.request.conversation_id === id
    : (work === "v1" ? answer[0].id : answer.conversation_id) === id
  if (!good) throw new Error("another answer")
}

async function once(number) {
  const id = idOf(number)
  const [path, body] = request(id)
  const answer = await fetch(base + path, body === undefined ? options : {
    ...options, method: "POST", body: JSON.stringify(body), headers: { ...headers, "Content-Type": "application/json" },
  })
  if (answer.status !== 200) throw new Error(`status ${answer.status}`)
  check(await answer.json(), id)
}

function cpuMicroseconds() {
  const usage = process.cpuUsage()
  return usage.user + usage.system
}

function report(before) {
  const spent = cpuMicroseconds() - before
  console.log(`${(spent / Math.max(count, 1)).toFixed(2)} ${process.resourceUsage().maxRSS}`)
}

if (work.startsWith("many")) {
  let begun = 0, done = 0, before = 0
  const oneAfterTheOther = async () => {
    while (begun < inFlight + count) {
      await once(++begun)
      if (++done === inFlight) before = cpuMicroseconds()
      else if (done === inFlight + count) report(before)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, oneAfterTheOther))
} else {
  // Without keep-alive: a connection for each call. The class Agent can be reached only after a first fetch.
  if (work === "start") {
    await fetch("data:,")
    const Agent = globalThis[Symbol.for("undici.globalDispatcher.1")].constructor
    options = { headers, dispatcher: new Agent({ pipelining: 0 }) }
  }
  let before = 0
  for (let number = work === "first" ? 0 : -10; number < count; number++) { // the first ten connect and warm up
    if (number === 0) before = cpuMicroseconds()
    await once(number + 10)
  }
  report(before)
}
process.exit()
