#!/usr/bin/perl

# Bytes after the request of a parked response end it, whether they come with
# the request or later, and the error log says why.  Line ends do not.  Bytes
# after a long-poll wait, and are the next request.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $why = qr/\[info\].*the client has sent bytes after its request/;
my $t = Pimap->new(mode => '');
my @ways = (['http', '/events'], ['http', '/held'], ['https', '/events'],
    ['https', '/held'], ['https', '/asleep']);
my $next = "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n";
my $n = 0;

$t->plan(@ways * 12 + 2 * 3);
$t->nginx()->ways();
$t->run();
$t->wait_ready();

for my $way (@ways) {
    for my $when ('with the request', 'later') {
        for my $body ('', ', after a body') {
            my $name = "@$way: bytes $when$body";
            my ($account, $s) = park($way, $body,
                $when eq 'later' ? '' : $next);

            if ($when eq 'later') {
                $t->subscribed($account);
                $s->send_all($next);
            }

            ok($s->closed() && $s->{all} =~ /\AHTTP(?!.*HTTP).*parked/s,
                "$name: the response ends") or diag($s->{all});
            ok($t->wait_for(sub { grep { /"$account"/ && /$why/ }
                split(/\n/, $t->log()) }, 'the log'),
                "$name: the log says why");
        }
    }

    my ($account, $s) = park($way, '', "\r\n");

    $t->subscribed($account);
    $s->send_all("\r\n");
    $t->redis()->publish($account, { event => 'QuotaExceed' });
    is($s->event()->{event}, 'QuotaExceed', "@$way: line ends are skipped");
    is($t->status()->{ends}{client}, 0,
        "@$way: such an end is an error, and not the client's");
    $s->send_all("\n");
    ok($s->closed(), "@$way: too many line ends");
}

for my $transport (qw(http https)) {
    my $s = $t->open_stream("GET /events?account=poll&format=json&wait=1"
        . " HTTP/1.1\r\nHost: localhost\r\n\r\n$next", $transport);

    is($s->status(), 204, "$transport: a long-poll is answered");
    $s->next();
    is($s->status(), 200, "$transport: then the next request");
    ok($s->read_until(qr/"parked"/), "$transport: with its answer");
    $s->close();
}


sub park {
    my ($way, $body, $rest) = @_;
    my ($transport, $path) = @$way;
    my $account = 'user' . $n++;

    my $s = $t->open_stream(($body ? 'POST' : 'GET')
        . " $path?account=$account&format=sse HTTP/1.1\r\nHost: localhost\r\n"
        . ($body ? "Content-Type: application/x-ndjson\r\n"
            . "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" : "\r\n")
        . $rest, $transport);

    ok($s->read_until(qr/parked/), "@$way: parked") if $rest eq "\r\n";

    return ($account, $s);
}
