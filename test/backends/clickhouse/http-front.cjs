// Serves the ClickHouse engine that runs in this process over the part of ClickHouse's HTTP interface that its client uses:
// queries with bound parameters and settings, inserts, user and password, errors with their codes.
//
//   node http-front.cjs FOLDER_WITH_CHDB DATA_FOLDER PORT      the password of `default` is in FRONT_PASSWORD
const { createRequire } = require('node:module');
const { createServer } = require('node:http');
const { join } = require('node:path');

const [, , folder, data, port] = process.argv;
const { Session } = createRequire(join(folder, 'package.json'))('chdb');
const session = new Session(data);
// The machine is shared: one query takes no more than this.
for (const setting of ['max_threads = 1', 'max_insert_threads = 1', 'max_memory_usage = 800000000'])
  session.query(`SET ${setting}`);

/** Settings that mean something only to a server. */
const OF_A_SERVER = new Set(['cancel_http_readonly_queries_on_client_close', 'wait_end_of_query']);
/** Parameters of the address that are no settings. */
const NO_SETTINGS = new Set(['query', 'query_id', 'database', 'default_format', 'session_id', 'role']);

const server = createServer((request, response) => {
  answer(request).then(
    (text) => response.end(text),
    (error) => {
      const message = String(error?.message ?? error).replace(/^Query failed: /, '');
      const [, code = '0'] = /Code: (\d+)/.exec(message) ?? [];
      response.writeHead(code === '516' ? 403 : 500, { 'x-clickhouse-exception-code': code });
      response.end(message);
    },
  );
});
// A query may keep this thread busy for seconds: a connection that then looks idle may have the next query waiting in it.
server.keepAliveTimeout = 0;
server.listen(Number(port), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));

async function answer(request) {
  const url = new URL(request.url, 'http://front');
  if (url.pathname === '/ping') return 'Ok.\n';
  checkPassword(request);
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  const inAddress = url.searchParams.get('query');
  if (inAddress?.trimStart().startsWith('INSERT')) return run(`${inAddress}\n${body}`, {}, []);
  const settings = [];
  const parameters = {};
  for (const [name, value] of url.searchParams) {
    if (name.startsWith('param_')) parameters[name.slice('param_'.length)] = unescape(value);
    else if (!NO_SETTINGS.has(name) && !OF_A_SERVER.has(name)) settings.push([name, value]);
  }
  return run(inAddress ? `${inAddress}\n${body}` : body, parameters, settings);
}

function checkPassword({ headers }) {
  const [, basic = ''] = /^Basic (.+)$/.exec(headers.authorization ?? '') ?? [];
  const [user = '', ...password] = Buffer.from(basic, 'base64').toString().split(':');
  if (user === 'default' && password.join(':') === (process.env['FRONT_PASSWORD'] ?? '')) return;
  throw new Error(
    `Code: 516. DB::Exception: ${user}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)`,
  );
}

async function run(text, parameters, settings) {
  const [, sql = text, format = 'TabSeparated'] = /^(.*?)\s+FORMAT\s+(\w+)\s*;?\s*$/s.exec(text) ?? [];
  if (
    settings.some(([name, value]) => name === 'readonly' && value !== '0') &&
    !/^\s*(?:SELECT|WITH)\b/i.test(sql)
  )
    throw new Error('Code: 164. DB::Exception: Cannot execute query in readonly mode. (READONLY)');
  const clause = settings
    .filter(([name]) => name !== 'readonly')
    .map(([name, value]) => `${name} = ${/^-?[\d.]+$/.test(value) ? value : `'${value}'`}`)
    .join(', ');
  const query = clause === '' ? sql : `${sql}\nSETTINGS ${clause}`;
  const isBound = Object.keys(parameters).length > 0;
  const result = await (isBound
    ? session.queryBindAsync(query, parameters, { format })
    : session.queryAsync(query, { format }));
  return result.text();
}

/** The client has escaped the text; the engine's binding does so again. */
function unescape(text) {
  const known = { t: '\t', n: '\n', r: '\r', N: '\\N' };
  return text.replace(/\\(.)/gs, (_, letter) => known[letter] ?? letter);
}
