// Publishes the packages in the folders that are its arguments, and prints, as the last line, a token that may read them.
import { execFileSync } from "node:child_process";

const host = "localhost:4873";
const account = { name: "e2e", password: "registry-password" };
const answer = await fetch(`https://${host}/-/user/org.couchdb.user:${account.name}`, {
  method: "PUT",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(account),
});
const { token } = await answer.json();
if (!token) {
  throw new Error(`no token: ${answer.status}`);
}
for (const folder of process.argv.slice(2)) {
  const options = [`--registry=https://${host}/`, `--//${host}/:_authToken=${token}`, "--cafile=/config/ca.crt"];
  execFileSync("npm", ["publish", folder, "--loglevel=error", ...options], { stdio: ["ignore", 2, 2] });
}
console.log(`token ${token}`);
