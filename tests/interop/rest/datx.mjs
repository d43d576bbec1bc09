// @datx/jsonapi.
import datx from '@datx/core';
import jsonapi from '@datx/jsonapi';
import { checkJsonApi, headers } from './jsonapi.mjs';

const { config, jsonapiCollection, jsonapiModel } = jsonapi;

class User extends jsonapiModel(datx.Model) {
  static type = 'users';
}
class Users extends jsonapiCollection(datx.Collection) {
  static types = [User];
}
config.baseUrl = `${process.argv[2]}/`;
config.cache = jsonapi.CachingStrategy.NetworkOnly;
config.defaultFetchOptions = { headers: { ...headers, 'Content-Type': 'application/vnd.api+json' } };
const store = new Users();
const flat = (user) => ({ ...datx.modelToJSON(user), id: datx.getModelId(user) });
const show = async (id) => (await store.getOne('users', id)).data;

await checkJsonApi('datx', {
  create: async (attributes) => flat(await store.add(attributes, User).save()),
  show: async (id) => flat(await show(id)),
  change: async (id, attributes) => {
    const user = await show(id);
    Object.assign(user, attributes);
    await user.save();
  },
  remove: async (id) => (await show(id)).destroy(),
  pages: async (name) => {
    const custom = ['page[limit]=2'];
    const pages = [await store.getMany('users', { queryParams: { filter: { name }, custom } })];
    while (pages.at(-1).links.next) pages.push(await pages.at(-1).next());
    return pages.map(({ data }) => data.map(flat));
  },
  refusal: ({ error }) => error.map((e) => e.code),
});
