package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// get copies what a URL answers; an answer that is not 200 is an error.
func get(ctx context.Context, client *http.Client, url string, into io.Writer) error {
	return ask(ctx, client, http.MethodGet, url, into)
}

func ask(ctx context.Context, client *http.Client, method, url string, into io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	_, err = io.Copy(into, resp.Body)
	return err
}
