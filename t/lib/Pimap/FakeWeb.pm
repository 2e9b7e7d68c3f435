package Pimap::FakeWeb;

# A false web server.  The mode is its answer to each request, after which the
# connection stays open; with the mode "close" there is none.

use strict;
use warnings;

use parent qw(Pimap::Fake);


sub serve {
    my ($self, $server) = @_;

    my @open;

    local $SIG{PIPE} = 'IGNORE';
    local $SIG{CHLD} = 'IGNORE';

    while (my $client = $server->accept()) {
        my $mode = $self->mode();

        next if $mode eq 'close';

        push(@open, $client);
        shift(@open) if @open > 8;

        # a client that reads no more must not stop the others
        $client->timeout(1);
        $client->blocking(0);

        my $select = IO::Select->new($client);

        $client->sysread(my $request, 65536) if $select->can_read(1);

        while (length($mode) && $select->can_write(1)) {
            my $n = $client->syswrite($mode) // last;

            substr($mode, 0, $n) = '';
        }
    }
}


1;
