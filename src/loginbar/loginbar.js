// Shows the signed-in user with a menu, or a link to the sign-in page. A portal needs only this tag:
// <script src="https://id.example.org/checkSSO/loginbar.js" data-client-id="example.front" async></script>
// data-target: the selector of the element that shows the loginbar; by default, the loginbar is put before the tag.
// data-language: hu or en; by default, the language of the page.
(function () {
  'use strict';
  var tag = document.currentScript;
  var client = tag.dataset.clientId || '';
  var english = (tag.dataset.language || document.documentElement.lang || 'hu').slice(0, 2) === 'en';
  var texts = english
    ? { login: 'Sign in', account: 'My account', logout: 'Sign out', menu: 'Signed in as' }
    : { login: 'Bejelentkezés', account: 'Fiókom', logout: 'Kijelentkezés', menu: 'Bejelentkezve mint' };
  var base = new URL('.', tag.src).href;
  var query = new URLSearchParams({ 'body[params][fields]': 'login,signature' });
  if (client) query.set('client_id', client);

  function make(name, text, href) {
    var element = document.createElement(name);
    if (text) element.textContent = text;
    if (href) element.href = href;
    return element;
  }

  function show(result) {
    var bar = make('div');
    bar.className = 'loginbar';
    if (result.data) {
      var menu = make('details');
      var name = make('summary', result.data.signature.name || result.data.login);
      name.title = texts.menu + ' ' + result.data.login;
      var list = make('ul');
      [[texts.account, base + 'account.html'], [texts.logout, result.config.logout]].forEach(function (entry) {
        list.appendChild(make('li')).appendChild(make('a', entry[0], entry[1]));
      });
      menu.append(name, list);
      bar.appendChild(menu);
    } else {
      bar.appendChild(make('a', texts.login, result.config.login));
    }
    var target = tag.dataset.target && document.querySelector(tag.dataset.target);
    if (target) target.replaceChildren(bar);
    else tag.before(bar);
    bar.dispatchEvent(new CustomEvent('loginbar', { bubbles: true, detail: result }));
  }

  fetch(base + 'loginbar.json?' + query, { credentials: 'include' })
    .then(function (response) {
      if (!response.ok) throw new Error('loginbar: ' + response.status);
      return response.json();
    })
    .then(function (answer) { show(answer.result); })
    .catch(function (error) { console.warn(error); });
})();
