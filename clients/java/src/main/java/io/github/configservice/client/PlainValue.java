package io.github.configservice.client;

import com.google.protobuf.Value;
import io.github.configservice.v1.Entry;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The value of an entry as Java knows it. */
public final class PlainValue {
  private static final double MAX_WHOLE = 1L << 53;

  private PlainValue() {}

  /**
   * Returns the value of an entry.
   *
   * @param entry an entry as the service sent it
   * @return null, Boolean, String, Long for a whole number, Double for another one, List or Map. Null is
   *     a value like any other. Lists and maps belong to the caller
   * @throws IllegalArgumentException if the entry is masked: there is a value, and it is not for who asks
   */
  public static Object of(Entry entry) {
    if (entry.getMasked()) {
      throw new IllegalArgumentException("the entry of key " + entry.getKey() + " is masked; accepted: one with a value");
    }
    return plain(entry.getValue());
  }

  private static Object plain(Value value) {
    switch (value.getKindCase()) {
      case BOOL_VALUE:
        return value.getBoolValue();
      case STRING_VALUE:
        return value.getStringValue();
      case NUMBER_VALUE:
        return number(value.getNumberValue());
      case LIST_VALUE:
        List<Object> list = new ArrayList<>();
        value.getListValue().getValuesList().forEach(item -> list.add(plain(item)));
        return list;
      case STRUCT_VALUE:
        Map<String, Object> map = new LinkedHashMap<>();
        value.getStructValue().getFieldsMap().forEach((name, field) -> map.put(name, plain(field)));
        return map;
      default:
        return null;
    }
  }

  private static Object number(double number) {
    boolean whole = Math.rint(number) == number && Math.abs(number) < MAX_WHOLE;
    if (whole) {
      return (long) number;
    }
    return number;
  }
}
