/**
 * Moving a deal, and a page of a board's column. The baseline has no deals: they are held against what it does with leads.
 */

const bulkRows = 500;
const deals = 1_000;
/** Different deals moved in turn. */
const movedDeals = 256;

/** @param over the requests to the baseline */
export async function dealOperations({ server }, { reads, writes }, over) {
  const board = await seedBoard(server, reads);
  const moved = await seedBoard(server, writes);
  return [
    {
      name: 'move a deal (over update)',
      target: { throughput: 0.75 },
      requests: over.update,
      server: { requests: movesOf(writes, moved) },
    },
    {
      name: 'board page 10 (over list 10)',
      target: { throughput: 0.9 },
      requests: over.list,
      server: {
        requests: [
          {
            method: 'GET',
            path: `${reads.path}/deals?limit=10&stageId=${board.stageIds[0]}`,
            headers: { 'X-API-Key': reads.key },
          },
        ],
      },
    },
  ];
}

/** Deals in the first stage of the pipeline that the workspace begins with. */
async function seedBoard({ origin }, { path, key }) {
  const headers = { 'X-API-Key': key, 'Content-Type': 'application/json' };
  const ask = async (url, options) => {
    const answer = await fetch(`${origin}${path}${url}`, { headers, ...options });
    if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const [pipeline] = (await ask('/pipelines')).data;
  const ids = [];
  while (ids.length < deals) {
    const rows = Array.from({ length: bulkRows }, (_, index) => ({ title: `Deal ${index}`, value: index }));
    const { data } = await ask('/deals/bulk', { method: 'POST', body: JSON.stringify({ deals: rows }) });
    for (const { _id } of data) ids.push(_id);
  }
  return { ids, stageIds: pipeline.stages.map(({ stageId }) => stageId) };
}

/** Moves that go to another stage each time: every deal goes round by itself. */
function movesOf({ path, key }, { ids, stageIds }) {
  const rounds = new Map();
  return ids.slice(0, movedDeals).map((id) => ({
    method: 'POST',
    path: `${path}/deals/${id}/move`,
    headers: { 'X-API-Key': key, 'Content-Type': 'application/json' },
    setupRequest(request) {
      const round = (rounds.get(id) ?? 0) + 1;
      rounds.set(id, round);
      return { ...request, body: JSON.stringify({ stageId: stageIds[round % stageIds.length] }) };
    },
  }));
}
