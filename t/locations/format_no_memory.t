#!/usr/bin/perl

# A worker without memory for a notification answers with a 500, and publishes
# nothing of it: the notification is not called bad, nor of no interest.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Oom;

plan(skip_all => 'a checker has an allocator of its own')
    if !Pimap::Oom->possible();

my $t = Pimap->new(allow => qr/failed \(12: Cannot allocate memory\)/);
my $oom = Pimap::Oom->new($t);

$t->nginx()->{env} = { $oom->env() };
$t->nginx()->{locations} .= <<'END';
        location = /batch {
            pimap_publish batch;
        }
END

# Many names in one object take memory, and so do members with escapes.
my $many = join(',', map { qq("$_":{}) } 1 .. 40);
my @notifications = (
    [stalwart => '{"events":[{"type":"message-ingest.ham","data":{'
        . "$many," . '"accountName":"alice","changeId":1,"documentId":1}}]}'],
    [james => '{"FlagsUpdated":{"eventId":"e","path":{"user":"alice",'
        . '"name":"a\\\\b"},"updatedFlags":[' . join(',', map { qq({"uid":$_,)
        . '"newFlags":{"systemFlags":["Seen"]}}' } 1 .. 40) . ']}}'],
    [cyrus => "{$many," . '"event":"MessageNew","uri":'
        . '"imap://alice@localhost/a%5Cb/;UID=1"}'],
);

$t->plan(3 * @notifications);
$t->run();
$t->wait_ready();

for (@notifications) {
    my ($format, $body) = @$_;
    my ($n, %seen) = (0);

    while (1) {
        $oom->fail(by => 'ngx_pimap_module.so', skip => $n);
        my $got = $t->post("/batch?format=$format", $body);

        last if !$oom->failed() || $n > 100;
        $seen{ $got->{status} }++;
        $n++;
    }

    $oom->stop();
    cmp_ok($n, '>', 1, "$format: allocations fail, one at a time");
    is(join(' ', keys(%seen)), '500', '    each time the answer is a 500');

    my $log = $t->redis()->channel('alice');

    is($t->redis()->command('XLEN', $log), 1,
        '    with memory it is published, once');
    $t->redis()->command('DEL', $log, "$log:epoch");
}
