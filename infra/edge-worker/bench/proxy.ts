/** A Worker that only passes requests on: what the others are measured against. */
export default {
  fetch(request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    return fetch(`https://abc.execute-api.eu-west-1.amazonaws.com/prod${pathname}${search}`, request);
  },
} satisfies ExportedHandler;
