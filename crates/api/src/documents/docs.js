// Renders the document that the address names: /docs?document=secure
"use strict";

window.addEventListener("load", () => {
    const asked = new URLSearchParams(location.search).get("document") || "secure";
    const name = /^[a-z]+$/.test(asked) ? asked : "secure";
    for (const link of document.querySelectorAll("nav a")) {
        if (link.getAttribute("href") === `/docs?document=${name}`) {
            link.setAttribute("aria-current", "page");
        }
    }
    SwaggerUIBundle({
        url: `/openapi/${name}.json`,
        dom_id: "#document",
        presets: [SwaggerUIBundle.presets.apis],
        layout: "BaseLayout",
        deepLinking: true,
        displayRequestDuration: false,
        supportedSubmitMethods: [],
        validatorUrl: null,
    });
});
