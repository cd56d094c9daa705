package io.github.configservice.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ListValue;
import com.google.protobuf.NullValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import io.github.configservice.v1.Entry;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PlainValueTest {
  @Test
  void aNumberIsALongWhenItIsWhole() {
    assertEquals(20L, plain(number(20)));
    assertEquals(-9007199254740991L, plain(number(-9007199254740991.0)));
    assertEquals(2.5, plain(number(2.5)));
    assertEquals(1e300, plain(number(1e300)));
  }

  @Test
  void nullIsAValue() {
    assertNull(plain(Value.newBuilder().setNullValue(NullValue.NULL_VALUE)));
  }

  @Test
  void whatIsMaskedIsNoValue() {
    var masked = Entry.newBuilder().setKey("password").setMasked(true).build();
    var error = assertThrows(IllegalArgumentException.class, () -> PlainValue.of(masked));
    assertTrue(error.getMessage().contains("password"));
  }

  @Test
  void listsAndObjectsHoldPlainValues() {
    var list = Value.newBuilder().setListValue(ListValue.newBuilder().addValues(number(1)).addValues(text("b")));
    var object = Value.newBuilder().setStructValue(Struct.newBuilder().putFields("a", list.build()));
    assertEquals(Map.of("a", List.of(1L, "b")), plain(object));
    assertEquals(true, plain(Value.newBuilder().setBoolValue(true)));
  }

  private static Object plain(Value.Builder value) {
    return PlainValue.of(Entry.newBuilder().setValue(value).build());
  }

  private static Value.Builder number(double number) {
    return Value.newBuilder().setNumberValue(number);
  }

  private static Value.Builder text(String text) {
    return Value.newBuilder().setStringValue(text);
  }
}
