#!/usr/bin/perl

# Notifications of other mail servers: with "format" a body is in the JSON of
# that server.  A bad body, a bad signature and one that is too large are
# refused as a whole.  Without Redis all of it is to be sent again.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_base64);
use JSON::PP qw(decode_json);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(http => 'pimap_max_body 8k; pimap_max_event 4k;');
my @keys = map { $t->write_file($t->dir() . "/key$_", $_ x 32) } 1, 2;

$t->nginx()->{locations} .= <<"END";
        location = /batch {
            pimap_publish batch;
        }

        location = /signed {
            pimap_publish signature_key=$keys[0] batch signature_key=$keys[1];

            limit_except PUT {
                allow all;
            }
        }

        location = /signed_event {
            pimap_publish signature_key=$keys[0];
        }
END

my $body = '{"events":[{"type":"message-ingest.ham","data":{"accountId":7}}]}';
my $james = '{"MailboxDeletion":{"path":{"user":"alice","name":"a"}}}';
my $ndjson = { 'Content-Type' => 'application/x-ndjson' };

# path, body, status, detail
my @refused = (
    ['/batch?format=', $body, 400, qr/must be "stalwart", "james" or "c/],
    ['/batch?format=Stalwart', $body, 400, qr/must be "stalwart", /],
    ['/batch?account=a&format=james', $james, 400, qr/names no account/],
    ['/publish?format=james', $james, 400, qr/for "pimap_publish batch"/],
    ['/batch?format=james', '{"Added":[]}', 400, qr/notification: not the J/],
    ['/batch?format=stalwart', $james, 400, qr/notification: no "events"/],
    ['/batch?format=stalwart', '', 400, qr/text is empty/],
    ['/batch?format=james', '{"Added":', 400, qr/unexpected end at byte/],
    ['/batch?format=james', "$james\n\n{", 400, qr/in line 3: /, $ndjson],
    ['/batch?format=james', $james, 415, qr/Content-Type/,
        { 'Content-Type' => 'text/plain' }],
    ['/batch?format=james', ' ' x 8193, 413, qr/pimap_max_body/],
    ['/signed?format=stalwart', $body, 403, qr/X-Signature is missing/],
    ['/signed?format=stalwart', $body, 403, qr/does not fit/,
        { 'X-Signature' => '' }],
    ['/signed?format=stalwart', $body, 403, qr/does not fit/,
        signature("$body\n", 1)],
    ['/signed?format=stalwart', $body, 403, qr/does not fit/,
        signature($body, 3)],
    ['/signed_event?account=alice', '{"event":"X"}', 403, qr/is missing/],
);

$t->plan(2 * @refused + 24);
checks();
$t->run();
$t->wait_ready();

for (@refused) {
    my ($path, $text, $status, $detail, $headers) = @$_;
    my $got = $t->post($path, $text, headers => { %{ $headers // {} } });

    is($got->{status}, $status, "$path: $status");
    like($got->{json}{detail}, $detail, '    the reason');
}

my %s = map { $_ => $t->park($_) } qw(7 alice);

$t->subscribed($_) for keys(%s);
ok($s{7}->quiet(0.3), 'nothing of these was published');

# Two keys, as while one is replaced, and a location within another

for (1, 2) {
    is($t->post('/signed?format=stalwart', $body,
        headers => signature($body, $_))->{status}, 200, "key $_ fits");
    is($s{7}->event()->{event}, 'MessageNew', '    an event');
}

is($t->post('/signed_event?account=alice', '{"event":"X"}',
    headers => signature('{"event":"X"}', 1))->{status}, 200,
    'one event with a signature');
is($s{alice}->event()->{event}, 'X', '    it is published');

# A line without an account costs only itself; nothing of interest is no fault

my $got = $t->post('/batch?format=stalwart', $body =~ s/"accountId":7//r
    =~ s/\]\}$/,{"type":"message-ingest.ham","data":{"accountId":7}}]}/r);
my @answers = map { decode_json($_) } split(/\n/, $got->{body});

is($got->{status}, 207, 'an event without an account: status');
is("$answers[0]{status} $answers[0]{detail}", '400 no "account"',
    '    it is refused');
is($s{7}->event()->{event}, 'MessageNew', '    the other is published');

$got = $t->post('/batch?format=stalwart', '{"events":[]}');
is("$got->{status} $got->{body}", '204 ', 'no event of a message: 204');
$got = $t->post('/batch?format=james', '{"Other":{}}', transport => 'h2');
is("$got->{status} $got->{body}", '204 ', '    the same by HTTP/2');

# Few bytes that become many are refused

my $long = '{"Added":{"isDelivery":true,"path":{"user":"alice","name":"'
    . 'n' x 2000 . '"},"added":{' . join(',', map { qq("$_":1) } 1 .. 500)
    . '}}}';

$got = $t->post('/batch?format=james', $long);
is($got->{status}, 413, 'events of more than four bodies: 413');
like($got->{json}{detail}, qr/larger than four times/, '    the reason');

my $many = '{"Expunged":{"path":{"user":"alice","name":"a"},"expunged":{'
    . join(',', map { qq("$_":1) } 1 .. 700) . '}}}';

is($t->post('/batch?format=james', $many)->{status}, 200, '700 messages');
is(scalar(@{ $s{alice}->event()->{json}{uids} }), 700, '    are one event');

# Redis is away: the whole is repeated, and what was published is not again

my $twice = '{"events":[' . join(',', map { '{"type":"message-ingest.ham",'
    . qq("data":{"accountId":7,"changeId":$_,"documentId":1}}) } 1, 2) . ']}';

$t->redis()->pause();
$got = $t->post('/batch?format=stalwart', $twice);
is($got->{status}, 503, 'Redis does not answer: 503 for all of it');
like($got->{head}, qr/^Retry-After: \d+\r$/m, '    with a time');
$t->redis()->resume();
$t->wait_ready();
is($t->post('/batch?format=stalwart', $twice)->{status}, 200,
    '    it is sent again');
$s{7}->events(2);
ok($s{7}->quiet(0.5), '    each event comes once');


# Parameters that nginx refuses

sub checks {
    my $dir = $t->dir();
    my $nginx = $t->nginx();

    $t->write_file("$dir/short", 'x' x 31);

    for (['x', qr/invalid parameter "x"/],
        ["signature_key=$dir/none", qr/none" failed/],
        ['signature_key=', qr/failed/],
        ["signature_key=$dir/short", qr/less than 32 bytes/])
    {
        my ($text, $reason) = @$_;
        local $nginx->{locations} = "location / { pimap_publish $text; }";
        my ($ok, $output) = $nginx->check();

        like($output, $reason, "pimap_publish $text: refused");
    }

    $t->allow(qr/\[emerg\].*(?:parameter "x"|key|failed)/);
}


sub signature {
    my ($text, $key) = @_;

    my $sum = hmac_sha256_base64($text, $key x 32);

    return { 'X-Signature' => $sum . '=' x (-length($sum) % 4) };
}
