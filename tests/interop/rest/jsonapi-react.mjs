// jsonapi-react.
import { ApiClient } from 'jsonapi-react';
import { checkJsonApi, headers } from './jsonapi.mjs';

const client = new ApiClient({ url: process.argv[2], headers, schema: { users: { type: 'users' } } });

// The client returns errors.
async function successful(answer) {
  const result = await answer;
  if (result.error || result.errors) throw result;
  return result;
}

await checkJsonApi('jsonapi-react', {
  create: async (attributes) => (await successful(client.mutate('users', attributes))).data,
  show: async (id) => (await successful(client.fetch(['users', id], { force: true }))).data,
  change: async (id, attributes) => successful(client.mutate(['users', id], attributes)),
  remove: async (id) => successful(client.delete(['users', id])),
  pages: async (name) => {
    const pages = [await successful(client.fetch(['users', { filter: { name }, page: { limit: 2 } }], { force: true }))];
    while (pages.at(-1).links.next) {
      const next = await client.request('', { url: pages.at(-1).links.next });
      pages.push(await successful(client.normalize(next)));
    }
    return pages.map((page) => page.data);
  },
  refusal: ({ error, errors }) => (errors ?? [error]).map((e) => e.code),
});
