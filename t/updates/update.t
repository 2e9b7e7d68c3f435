#!/usr/bin/perl

# POST of updates, of one line or several: each is in Redis' stream once, as it
# was written, even if it is sent again.  Its result is in a later answer, and
# reaches the device that sent it.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my @transports = qw(http https h2 h2c);

my $t = Pimap->new(workers => 2);
$t->plan(11 * @transports + 27);
$t->run();
$t->wait_ready();

for my $transport (@transports) {
    my $account = "a$transport";
    my @set = (transport => $transport, device => 'phone');
    my @updates = map { { id => "$transport-$_", update => 'flags', n => $_ } }
        1, 2;
    my $s = $t->park($account, transport => $transport,
        query => 'device=phone&types=Quota');
    my $other = $t->park($account, transport => $transport);

    $_->read_until(qr/: parked\n.*\n\n/) for $s, $other;
    $t->subscribed($account);
    clear();

    my $answer = $t->update($account, \@updates, @set);

    is($answer->{status}, 202, "$transport: accepted");
    like($answer->{head}, qr{^content-type: application/json\r?$}mi,
        '    as JSON');
    is_deeply($answer->{json}, { updates => [ map { { update => $_->{id},
        status => 'accepted' } } @updates ] }, '    an entry for each update');
    is_deeply([ entries() ], [ map { { account => $account, device => 'phone',
        id => $_->{id}, body => $t->json($_) } } @updates ],
        '    they are in the stream');

    # Sent again, with a new update.

    my $third = { id => 'third', update => 'flags' };

    is($t->update($account, [$updates[1], $third], @set)->{status}, 202,
        "$transport: sent again");
    is_deeply([ map { $_->{id} } entries() ],
        [ map { $_->{id} } @updates, $third ],
        '    each is in the stream once');

    # The result.

    $t->redis()->fcall('result', $account, 'phone', $updates[0]{id},
        { status => 'done', uids => [7] });

    is_deeply($s->event()->{json}, my $result = { event => 'UpdateResult',
        device => 'phone', update => $updates[0]{id}, status => 'done',
        uids => [7] }, "$transport: the result is an event");
    ok($other->quiet(0.2), '    for no other device');

    $answer = $t->update($account, \@updates, @set);
    is_deeply([$answer->{status}, $answer->{json}{updates}], [202, [$result,
        { update => $updates[1]{id}, status => 'accepted' }]],
        '    and in the answer when it is sent again');
    is($t->update($account, [$updates[0]], @set)->{status}, 200,
        '    200 when no result is missing');
    is_deeply([ map { $_->{id} } entries() ],
        [ map { $_->{id} } @updates, $third ],
        '    nothing is added to the stream');

    $_->close() for $s, $other;
}

# Spellings.

clear();

my $text = qq(\r\n {"id":\t"1", "update" : "b/c",\r\n"x":"\xc3\xa9 \\n",)
    . qq("y":[1,\n2]}\n );
my $squeezed = qq({"id":\t"1", "update" : "b/c","x":"\xc3\xa9 \\n",)
    . qq("y":[1,2]});

is($t->post('/update?account=bob', $text)->{status}, 202,
    'an object on several lines');
is((entries())[0]{body}, $squeezed,
    '    is stored on a line, otherwise unchanged');
is((entries())[0]{device}, '', '    of a device without a name');
is($t->post('/update?account=bob', $squeezed)->{status}, 202,
    '    the same update if it is sent on a line');

for my $type ('application/json; charset=utf-8', 'APPLICATION/JSON') {
    is($t->post('/update?account=bob', $text, headers => {
        'Content-Type' => $type })->{status}, 202, $type);
}

is(scalar(entries()), 1, '    the stream has it once');

is($t->update('bob', "\r\n\n$squeezed\r\n\r\n"
    . '{"id":"2","update":"b"}')->{status}, 202, 'empty lines');
is(scalar(entries()), 2, '    are ignored');

my $twice = '{"id":"3","update":"b"}';

is_deeply([ map { $_->{update} } @{ $t->update('bob', "$twice\n$twice")
    ->{json}{updates} } ], [3, 3], 'the same line twice');
is(scalar(entries()), 3, '    the stream has it once');

# Names of accounts and devices.

clear();
is($t->update($_->[0], '{"id":"1","update":"b"}', device => $_->[1])
    ->{status}, 202, 'account and device: ' . join(' ', @$_))
    for ['a%7d%20b', 'my%20phone'], ['%c3%a9', '%c3%a9'], ['a', ''],
        ['a', 'x' x 128];
is_deeply([ map { [@$_{qw(account device)}] } entries() ],
    [['a} b', 'my phone'], ["\xc3\xa9", "\xc3\xa9"], ['a', ''],
    ['a', 'x' x 128]], '    are unchanged in the stream');
ok(abs((entries(1))[0]{time} - time() * 1000) < 60_000, 'the time, in msec');

# The largest updates.

clear();
my $large = sprintf('{"id":"1","update":"b","x":"%s"}', 'x' x 65_506);

is(length($large), 65_536, 'an update of 64k');
is($t->post('/update?account=large', $large)->{status}, 202,
    '    is accepted');
is((entries())[0]{body}, $large, '    and unchanged in the stream');

clear();
my @hundred = map { { id => "i$_", update => 'b' } } 1 .. 100;

is($t->update('large', \@hundred)->{status}, 202, 'a hundred lines');
is(scalar(entries()), 100, '    are accepted');

# Expect: 100-continue, and chunks.

my $p = $t->request('POST', '/update?account=bob', headers => {
    'Content-Type' => 'application/json', Expect => '100-continue',
    'Content-Length' => length($twice) });

is($p->status(), 100, 'Expect: 100-continue');
$p->send($twice);
$p->next();
is($p->status(), 202, '    the answer after the body');

$p->send("POST /update?account=bob HTTP/1.1\r\nHost: localhost\r\n"
    . "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
$p->send(sprintf("%x\r\n%s\r\n", length($_), $_))
    for $twice =~ /(.{1,7})/g;
$p->send("0\r\n\r\n");
ok($p->read_until(qr/HTTP.1.1 202 .*\]\}\n/s), 'a body in chunks');

my $status = $t->status();

is($status->{updates}{accepted} > 100, 1, 'accepted updates are counted');
is($status->{updates}{invalid} + $status->{updates}{failed}, 0,
    '    no update counts as invalid or failed');


# The entries of the stream; without their times unless asked for.

sub entries {
    my ($times) = @_;

    my @entries = map { { @{ $_->[1] } } }
        @{ $t->redis()->command('XRANGE', 'pimap:updates', '-', '+') };

    delete $_->{time} for $times ? () : @entries;

    return @entries;
}


sub clear { $t->redis()->command('DEL', 'pimap:updates') }
