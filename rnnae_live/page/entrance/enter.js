// The token is in the fragment, which no request carries. It is posted once, and becomes a cookie.
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
const answer = await fetch("/enter", { method: "POST", body: token });
if (answer.ok) {
  location.replace("/");
} else {
  document.getElementById("told").textContent = await answer.text();
}
