// @orbit/jsonapi. Its types are singular, and it does not read the document of a status 404.
import orbit from '@orbit/jsonapi';
import records from '@orbit/records';
import serializers from '@orbit/serializers';
import { checkJsonApi, headers } from './jsonapi.mjs';

const text = { type: 'string' };
const schema = new records.RecordSchema({
  models: {
    user: {
      attributes: {
        name: text, clientName: text, organizationalUnit: text, status: text, email: text, roles: { type: 'array' },
      },
    },
  },
});
const plural = { serializationOptions: { inflectors: ['pluralize'] } };
const serializerSettingsFor = serializers.buildSerializerSettingsFor({
  settingsByType: { [orbit.JSONAPISerializers.ResourceType]: plural },
});
const url = new URL(process.argv[2]);
const source = new orbit.JSONAPISource({
  schema, serializerSettingsFor, name: 'gateway', host: url.origin, namespace: url.pathname.slice(1),
  defaultFetchSettings: { headers },
});
const flat = ({ id, attributes }) => ({ id, ...attributes });
// A failed request stays at the head of the queue until it is skipped.
const successful = (answer) => answer.catch(async (error) => {
  await source.requestQueue.skip();
  throw error;
});
const query = (expression, options) => successful(source.query(expression, options));
const update = (transform) => successful(source.update(transform));

await checkJsonApi('orbit', {
  create: async (attributes) => {
    // Orbit chooses the ids of new records.
    const id = crypto.randomUUID();
    return flat(await update((t) => t.addRecord({ type: 'user', id, attributes })));
  },
  show: async (id) => flat(await query((q) => q.findRecord({ type: 'user', id }), { raiseNotFoundExceptions: true })),
  change: (id, attributes) => update((t) => t.updateRecord({ type: 'user', id, attributes })),
  remove: (id) => update((t) => t.removeRecord({ type: 'user', id })),
  pages: async (name) => {
    const found = (q) => q.findRecords('user').filter({ attribute: 'name', value: name });
    const pages = [];
    do {
      const page = (q) => found(q).page({ limit: 2, offset: 2 * pages.length });
      pages.push(await query(page, { fullResponse: true }));
    } while (pages.at(-1).details[0].document.links.next);
    return pages.map(({ data }) => data.map(flat));
  },
  refusal: (error) => (error.data ? error.data.errors.map((e) => e.code) : error instanceof records.RecordNotFoundException && ['USER_NOT_FOUND']),
});
