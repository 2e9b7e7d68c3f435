#!/usr/bin/perl

# The example of CORS in the documents: a page of the named origin may read
# events, with credentials and with a preflight, and pages of other origins may
# not.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Page;

my $t = Pimap->new();
my ($page) = grep { $_->{name} =~ /protocol/ } Pimap::Page->all($t->root());
my ($block) = grep { /Access-Control/ } map { $_->{text} }
    $page->blocks('nginx');
my $users = $t->write_file($t->dir() . '/users', "alice:{PLAIN}secret\n");

$block =~ s/listen 443 ssl;/listen 127.0.0.1:@{[ $t->port('cors') ]};/;
$block =~ s/^\s*ssl_.*\n//gm;
$block =~ s{/etc/nginx/users}{$users};

$t->nginx()->{http} .= $block;
$t->plan(13);
$t->run();
$t->wait_ready();

my ($ours, $other) = ('https://app.example.com', 'https://evil.example.com');
my $login = 'Authorization: Basic YWxpY2U6c2VjcmV0';

sub ask {
    my ($method, @headers) = @_;

    my $s = $t->open_stream("$method /pimap/events?device=x HTTP/1.1\r\n"
        . join('', map { "$_\r\n" } 'Host: localhost', @headers) . "\r\n",
        'cors');
    $s->status();
    return $s;
}

my $s = ask('OPTIONS', "Origin: $ours", 'Access-Control-Request-Method: GET',
    'Access-Control-Request-Headers: last-event-id');
is($s->status(), 204, 'a preflight, without a login: 204');
is($s->header('Access-Control-Allow-Origin'), $ours, '    the origin');
is($s->header('Access-Control-Allow-Credentials'), 'true',
    '    credentials');
like($s->header('Access-Control-Allow-Headers'), qr/Last-Event-ID.*Prefer/,
    '    the headers of the last id and of an update');
$s->close();

$s = ask('GET', "Origin: $ours", $login, 'Last-Event-ID: 0');
is($s->status(), 200, 'its request: 200');
is($s->header('Access-Control-Allow-Origin'), $ours, '    the origin');
like($s->header('Access-Control-Expose-Headers'),
    qr/Pimap-Last-Event-Id.*Retry-After/,
    '    the id and the time to come back may be read');
ok($s->read_until(qr/: parked\n.*\n\n/), '    it is parked');
$s->close();

$s = ask('GET', "Origin: $ours");
is($s->status(), 401, 'no login: 401');
is($s->header('Access-Control-Allow-Origin'), $ours,
    '    the page may read it');
$s->close();

$s = ask('GET', "Origin: $other", $login);
is($s->header('Access-Control-Allow-Origin'), undef,
    'another origin: it may not read the response');
$s->close();

$s = ask('POST', "Origin: $other", $login,
    'Content-Type: application/x-ndjson', 'Content-Length: 0');
is($s->status(), 403, '    nor send updates');
$s->close();

$s = ask('POST', "Origin: $ours", $login,
    'Content-Type: application/x-ndjson', 'Content-Length: 0');
is($s->status(), 200, '    but the origin may');
$s->close();
