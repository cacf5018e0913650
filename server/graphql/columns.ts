import { customType } from "drizzle-orm/sqlite-core";

const integerColumn = customType<{ data: string; driverData: number }>({
  dataType: () => "integer",
  fromDriver: (value) => String(value),
  toDriver: (value) => Number(value),
});

/**
 * An integer column that GraphQL shows and takes as a decimal string, while SQLite orders and compares it as a number.
 * The generator knows no custom types, only the `dataType` a column declares, so this one declares itself a string.
 */
export function decimalText(name: string): ReturnType<typeof integerColumn> {
  const builder = integerColumn(name);
  (builder as unknown as { config: { dataType: string } }).config.dataType = "string";
  return builder;
}
