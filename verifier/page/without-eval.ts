/**
 * zod makes code out of its schemas with `new Function` where that is allowed. The page's policy does not allow it, and
 * this keeps zod from trying. It is imported first, for zod decides when a schema is made.
 */
import * as z from "zod";

z.config({ jitless: true });
