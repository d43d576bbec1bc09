// The result lines of a driver: `PASS client column` and `FAIL client column: reason`.
export async function column(client, name, check) {
  try {
    const returned = await check();
    console.log(`PASS ${client} ${name}`);
    return returned;
  } catch (error) {
    const reason = error?.message ?? error?.error?.message ?? JSON.stringify(error);
    console.log(`FAIL ${client} ${name}: ${reason.replace(/\s+/g, ' ').slice(0, 300)}`);
    return undefined;
  }
}
