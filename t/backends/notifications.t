#!/usr/bin/perl

# Notifications of Stalwart and of Apache James reach devices as events.  The
# bodies in notifications/ are made by the documents and the sources of these
# servers; no such server is run here.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_base64);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
my $secret = 'a secret that both sides know, of 40 bytes';
my $file = $t->write_file($t->dir() . '/stalwart.key', "$secret\n");

$t->nginx()->{locations} .= <<"END";
        location = /stalwart {
            pimap_publish batch signature_key=$file;
        }

        location = /james {
            pimap_publish batch;
        }
END

$t->plan(12);
$t->run();
$t->wait_ready();

# Stalwart: it knows its accounts by their numbers, and signs

my %s = map { $_ => $t->park($_) } qw(7 8 carol);

$t->subscribed($_) for keys(%s);

my $body = $t->read_file('backends/notifications/stalwart.ndjson');
my $signature = hmac_sha256_base64($body, $secret);

$signature .= '=' while length($signature) % 4;

my %signed = (headers => { 'X-Signature' => $signature });
my $got = $t->post('/stalwart?format=stalwart', $body, %signed);

is($got->{status}, 200, 'a webhook of Stalwart is taken');
is_deeply([map { $_->{json} } $s{7}->events(2)], [
    { event => 'MessageNew', messageId => '<one@example.net>' },
    { event => 'MessageNew', messageId => '<two@example.net>' } ],
    '    two messages of one second are two events');
is_deeply([map { $_->{json} } $s{8}->events(1), $s{carol}->events(1)], [
    { event => 'MessageAppend', messageId => '<win@example.net>' },
    { event => 'MessageAppend' } ],
    '    spam, and an upload, are no news');

is($t->post('/stalwart?format=stalwart', $body, %signed)->{status}, 200,
    'it is sent again');
ok($s{7}->quiet(0.5) && $s{carol}->quiet(0.1), '    nothing comes twice');
is($t->post('/stalwart?format=stalwart', $body)->{status}, 403,
    'without its signature it is refused');
is($t->post('/stalwart?format=stalwart', "$body ", %signed)->{status}, 403,
    'so is a changed body');

# James: an event a request, or lines of them

my $alice = $t->park('alice%40example.com');

$t->subscribed('alice@example.com');

my @lines = split(/\n/, $t->read_file('backends/notifications/james.ndjson'));
my $first = shift(@lines);

is($t->post('/james?format=james', $first)->{status}, 200,
    'an event of James is taken');
is_deeply($alice->event()->{json}, { event => 'MessageNew',
    mailbox => 'INBOX', uid => 1201 }, '    it is an event');

$got = $t->post('/james?format=james', join("\n", $first, @lines),
    headers => { 'Content-Type' => 'application/x-ndjson' });
is($got->{status}, 200, 'lines of such events are taken');

is_deeply([map { $_->{json} } $alice->events(9)], [
    { event => 'MessageAppend', mailbox => 'Sent', uids => [7] },
    { event => 'MessageRead', mailbox => 'INBOX', uids => [1201] },
    { event => 'FlagsSet', mailbox => 'INBOX', uids => [1201] },
    { event => 'MessageExpunge', mailbox => 'INBOX', uids => [1200] },
    { event => 'MailboxCreate', mailbox => 'Lists' },
    { event => 'MailboxRename', mailbox => 'Archive.Lists',
        oldMailbox => 'Lists' },
    { event => 'MailboxSubscribe', mailbox => 'Archive.Lists' },
    { event => 'MailboxDelete', mailbox => 'Archive.Lists' },
    { event => 'QuotaChange' } ],
    '    they are events; the one that was there before is not among them');
is(scalar(() = $got->{body} =~ /\n/g), 10,
    '    each has a line of the answer');
