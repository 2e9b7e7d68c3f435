#!/usr/bin/perl

# A detached device gets the same bytes as a held device.  The access log has a
# line when it is parked; the error log has a line, for programs, when it ends.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(mode => '', locations => join("\n", map { <<"END" }
        location = /$$_[0] {
            pimap_account \$arg_account;
            pimap_retry 3s;
            $$_[1]
            pimap_events;
        }
END
    [held => 'pimap_detach off;'], [detached => ''],
    [hibernated => 'pimap_hibernate on;'],
    [raw => 'chunked_transfer_encoding off;'])
    . 'location = /status { pimap_status; }');

$t->nginx()->{http} = 'log_format t "$request_uri $status $body_bytes_sent '
    . '$scheme"; access_log ' . $t->dir() . '/t.log t;';

my @events = map { { event => 'MessageNew', uid => $_,
    preview => 'x' x $_ } } (1, 100, 5_000, 50_000);
my %kinds = (held => ['heldH1', 'heldH1Tls'],
    detached => ['detached', 'detachedTls'],
    hibernated => ['detached', 'hibernated']);

$t->plan(2 * 2 * 3 * 3 + 15);
$t->run();
$t->wait_ready();

# Asks Redis before the head is sent, except for a new device.

$t->wait_for(sub {
    my $s = $t->park('first', path => '/held');
    my $id = $s->header('Pimap-Last-Event-ID');

    $s->close();
    defined $id && !$t->status()->{parked};
}, 'the library');

# The same bytes, detached or held.

for my $version ('1.1', '1.0') {
    for my $transport (qw(http https)) {
        my %raw;

        for my $path (qw(held detached hibernated)) {
            my $what = "$path, HTTP/$version, $transport";

            $raw{$path} = raw($path, $transport, $version, $what);
            is($raw{$path}, $raw{held}, "$what: the same bytes");
        }
    }
}

like($t->open_stream("GET /raw?account=a HTTP/1.1\r\nHost: x\r\n\r\n")
    ->read_until(qr/: parked\n.*\n\n/),
    qr/\Aretry: \d+\nid: 0\nevent: parked\ndata: \{\}\n\n\z/,
    'no chunks if nginx is configured so');

# The access log has its line when the device is parked, not when it ends.

my $s = park('detached', 'log', 'http');
ok($t->wait_for(sub { $t->read_file($t->dir() . '/t.log')
    =~ m{^/detached\?account=log 200 \d+ http$}m }, 'the line'), 'logged');
ok(delivered($s, 'log'), 'the device stays parked');

# The line at the end, for programs.

$t->redis()->publish('log', $events[0]) for (1, 2);
$s->event() for (1, 2);
$s->close();
$t->wait_for(sub { $t->log() =~ /pimap ended.*account="log"/ }, 'its end');
my %end = ($t->log() =~ /^(.*account="log".*)$/m)[0] =~ /(\w+)="([^"]*)"/g;
my $seconds = delete $end{seconds};
is_deeply(\%end, { reason => 'client', account => 'log', device => '',
    client => '127.0.0.1', transport => 'detached', events => 3,
    bytes => $s->{packed} // 42 + 3 * 70 },
    'the line has the data of the device')
    or diag(explain(\%end));
like($seconds, qr/^\d+\.\d\d\d$/, 'and how long it was parked');

park('detached', 'a%22%20reason=%22slow%5C', 'http')->close();
ok($t->wait_for(sub {
    $t->log() =~ /account="a\\x22 reason=\\x22slow\\x5C" device="" /
}, 'its end'), 'an account cannot add a field to the line');
is($t->park('a%0a', path => '/detached')->status(), 400,
    'an account cannot add a line');

# Bytes of the client after the request.

for my $transport (qw(http https)) {
    $s = park('detached', 'talk', $transport);
    $s->send("\r\n");
    ok(delivered($s, 'talk'), "$transport: a line end is ignored");
    $s->send("\r\n\r\n");
    ok($s->closed(), "$transport: more line ends close it");

    $s = park('detached', 'talk', $transport);
    $s->send("GET / HTTP/1.1\r\n\r\n");
    ok($s->closed(), "$transport: any other data closes it");

    my $before = $t->status()->{ends}{client};
    park('detached', 'talk', $transport)->abort();
    ok($t->wait_for(sub { $t->status()->{ends}{client} == $before + 1 },
        'its end'), "$transport: a reset closes it");
}

# All bytes up to the end, except those that differ each time.

sub raw {
    my ($path, $transport, $version, $what) = @_;

    my $account = "raw$version$transport$path";
    my $s = $t->open_stream("GET /$path?account=$account&device=d"
        . " HTTP/$version\r\nHost: x\r\n\r\n", $transport);
    my $kind = $kinds{$path}[$transport eq 'https'];

    $s->read_until(qr/: parked\n.*\n\n/) // die "not parked\n";
    ok($t->wait_for(sub { $t->status()->{devices}{$kind} }, $kind),
        "$what: $kind");
    $t->subscribed($account);
    $t->redis()->publish($account, $_) for @events;
    $s->event() for @events;

    my $newer = $t->park($account, query => 'device=d', path => '/held');

    ok($version eq '1.1' ? $s->ended() : $s->closed(), "$what: superseded");
    $newer->close();
    $t->wait_for(sub { !$t->status()->{parked} }, 'all gone');

    return $s->{all} =~ s/^Date: .*\r\n//mr =~ s/retry: \d+/retry: n/gr
        =~ s/superseded\.\d+/superseded.n/r;
}


sub park {
    my ($path, $account, $transport) = @_;

    my $s = $t->park($account, path => "/$path", transport => $transport);
    my $kind = $kinds{$path}[$transport eq 'https'];

    $s->read_until(qr/: parked\n.*\n\n/);
    $t->wait_for(sub { $t->status()->{devices}{$kind} }, $kind);
    $t->subscribed($account) if $account !~ /%/;

    return $s;
}


sub delivered {
    my ($s, $account) = @_;

    $t->subscribed($account);
    $t->redis()->publish($account, $events[0]);
    return $s->event();
}
