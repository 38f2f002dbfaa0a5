import { useCallback, useEffect, useRef, useState } from "react";

const STEP = 60;
const AHEAD = "1500px";

/** How many of a long list to render: a screenful first, more whenever the end comes near. */
export function useGrowingCount(total: number): { count: number; sentinel: (element: HTMLElement | null) => void } {
  const [count, setCount] = useState(STEP);
  const hasMore = count < total;
  const element = useRef<HTMLElement | null>(null);

  useEffect(() => {
    if (!hasMore || !element.current) return;
    const end = element.current;
    const observer = new IntersectionObserver(
      (seen) => {
        if (!seen.some(({ isIntersecting }) => isIntersecting)) return;
        setCount((shown) => shown + STEP);
        // Observing anew reports at once, so a step that does not fill the screen is followed by another.
        observer.unobserve(end);
        requestAnimationFrame(() => observer.observe(end));
      },
      { rootMargin: AHEAD },
    );
    observer.observe(end);
    return () => observer.disconnect();
  }, [hasMore]);

  const sentinel = useCallback((next: HTMLElement | null) => {
    element.current = next;
  }, []);
  return { count: Math.min(count, total), sentinel };
}
