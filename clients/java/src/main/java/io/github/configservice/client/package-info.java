/** A connection with good defaults, and readers of values and errors, for the generated stub. */
package io.github.configservice.client;
