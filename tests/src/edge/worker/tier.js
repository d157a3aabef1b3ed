// A rate limiting binding: so many for each key in each period of the clock.
export default function tier({ limit, period }) {
  const counts = new Map();
  let current = 0;
  return {
    async limit({ key }) {
      const now = Math.floor(Date.now() / (period * 1_000));
      if (now !== current) {
        current = now;
        counts.clear();
      }
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return { success: count <= limit };
    },
  };
}
