// What pages do beside what the browser does by itself; all of them work without it.

// A picture is shown as large as there is room, and small again.
for (const button of document.querySelectorAll('button.zoom')) {
  button.addEventListener('click', () => {
    const large = button.getAttribute('aria-expanded') === 'true';
    button.setAttribute('aria-expanded', String(!large));
  });
}

// A button is pressed once: a second press while the first is on its way would only be refused.
for (const form of document.querySelectorAll('form[method="post"]')) {
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
    }
    form.dataset.sent = 'yes';
  });
}

// A page that the browser shows again from memory can be sent again.
window.addEventListener('pageshow', (event) => {
  if (event.persisted) {
    for (const form of document.forms) {
      delete form.dataset.sent;
    }
  }
});

// A list is shown as it changes, for as long as somebody wants that.
for (const button of document.querySelectorAll('button.live')) {
  const list = document.getElementById(button.getAttribute('aria-controls'));
  let source = null;
  button.hidden = false;
  button.addEventListener('click', () => {
    if (source) {
      source.close();
      source = null;
    } else {
      source = new EventSource(button.dataset.from);
      source.addEventListener('message', (event) => {
        list.innerHTML = event.data;
      });
      source.addEventListener('error', (event) => {
        // Where it isn't asked again, the session is over: the page leads to signing in.
        if (event.target.readyState === EventSource.CLOSED) {
          location.reload();
        }
      });
    }
    button.setAttribute('aria-pressed', String(source !== null));
  });
}
